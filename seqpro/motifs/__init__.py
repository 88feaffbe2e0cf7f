"""Motifs: matrices, sets of them, and the files they come in."""

from __future__ import annotations

from seqpro.motifs._carried import CARRIED as CARRIED
from seqpro.motifs._carried import MotifLossWarning as MotifLossWarning
from seqpro.motifs._compare import best_scores as best_scores
from seqpro.motifs._compare import empirical_similarity as empirical_similarity
from seqpro.motifs._compare import in_flanks as in_flanks
from seqpro.motifs._compare import min_divergence as min_divergence
from seqpro.motifs._compare import random_instances as random_instances
from seqpro.motifs._convert import consensus as consensus
from seqpro.motifs._convert import information_content as information_content
from seqpro.motifs._convert import pfm_to_ppm as pfm_to_ppm
from seqpro.motifs._convert import ppm_to_pwm as ppm_to_pwm
from seqpro.motifs._convert import pwm_to_ppm as pwm_to_ppm
from seqpro.motifs._convert import reverse_complement as reverse_complement
from seqpro.motifs._fasta_like import read_homer as read_homer
from seqpro.motifs._fasta_like import read_jaspar as read_jaspar
from seqpro.motifs._fasta_like import read_simdna as read_simdna
from seqpro.motifs._fasta_like import write_homer as write_homer
from seqpro.motifs._fasta_like import write_jaspar as write_jaspar
from seqpro.motifs._meme import read_meme as read_meme
from seqpro.motifs._meme import write_meme as write_meme
from seqpro.motifs._motif import Motif as Motif
from seqpro.motifs._motif import MotifSet as MotifSet
from seqpro.motifs._old import OldMotif as OldMotif
from seqpro.motifs._old import OldMotifSet as OldMotifSet
from seqpro.motifs._read import read as read
from seqpro.motifs._transfac import read_transfac as read_transfac
from seqpro.motifs._transfac import write_transfac as write_transfac
