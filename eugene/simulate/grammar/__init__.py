"""Grammars: data definitions of seqgra, in XML, YAML and Python, and data sets drawn from them."""

from __future__ import annotations

from eugene.simulate.grammar._checks import remarks as remarks
from eugene.simulate.grammar._files import from_definition as from_definition
from eugene.simulate.grammar._files import grammar_rows as grammar_rows
from eugene.simulate.grammar._grammar import Grammar as Grammar
from eugene.simulate.grammar._motifs import element_ppm as element_ppm
from eugene.simulate.grammar._motifs import motif_ess_matrix as motif_ess_matrix
from eugene.simulate.grammar._motifs import motif_kld_matrix as motif_kld_matrix
from eugene.simulate.grammar._motifs import motif_table as motif_table
from eugene.simulate.grammar._text import read_text as read_text
from eugene.simulate.grammar._tree import Condition as Condition
from eugene.simulate.grammar._tree import Element as Element
from eugene.simulate.grammar._tree import Example as Example
from eugene.simulate.grammar._tree import Letters as Letters
from eugene.simulate.grammar._tree import Response as Response
from eugene.simulate.grammar._tree import Rule as Rule
from eugene.simulate.grammar._tree import Shuffle as Shuffle
from eugene.simulate.grammar._tree import Spacing as Spacing
