"""Pictures of data, training, performance and explanations: `Axes` in, `Axes` out.

Names are EUGENe's. Nothing here opens a window or changes matplotlib's settings; a figure that you
did not pass in is made for you. Logos and tracks come from :mod:`seqexplainer.plot`.

Besides its own arguments every function takes ``figsize`` (inches of a new figure), ``save`` (a
file to write), ``title``, ``xlab``, ``ylab``, ``xlim``, ``ylim`` and ``rc_context``, and EUGENe's
``return_axes``, though axes are always returned. Anything else is refused by name.
"""

from eugene.plot._augmentation import augmentation_strips as augmentation_strips
from eugene.plot._browser import construct_track as construct_track
from eugene.plot._browser import genome_tracks as genome_tracks
from eugene.plot._categorical import boxplot as boxplot
from eugene.plot._categorical import countplot as countplot
from eugene.plot._categorical import histplot as histplot
from eugene.plot._categorical import scatterplot as scatterplot
from eugene.plot._categorical import violinplot as violinplot
from eugene.plot._choice import runs_scatter as runs_scatter
from eugene.plot._gia import distance_cooperativity_gia_plot as distance_cooperativity_gia_plot
from eugene.plot._gia import positional_gia_plot as positional_gia_plot
from eugene.plot._grammar import grammar_map as grammar_map
from eugene.plot._grammar import grammar_positions as grammar_positions
from eugene.plot._groups import compared_groups as compared_groups
from eugene.plot._motifs import motif_matrix as motif_matrix
from eugene.plot._performance import auprc as auprc
from eugene.plot._performance import auroc as auroc
from eugene.plot._performance import confusion_mtx as confusion_mtx
from eugene.plot._performance import performance_scatter as performance_scatter
from eugene.plot._performance import score_histogram as score_histogram
from eugene.plot._search import importance_bars as importance_bars
from eugene.plot._search import parallel_coordinates as parallel_coordinates
from eugene.plot._selection import learning_by_amount as learning_by_amount
from eugene.plot._sequence import filter_viz as filter_viz
from eugene.plot._sequence import multifilter_viz as multifilter_viz
from eugene.plot._sequence import multiseq_track as multiseq_track
from eugene.plot._sequence import seq_track as seq_track
from eugene.plot._summary import performance_summary as performance_summary
from eugene.plot._tracks import track_scores as track_scores
from eugene.plot._tracks import track_windows as track_windows
from eugene.plot._training import loss_curve as loss_curve
from eugene.plot._training import metric_curve as metric_curve
from eugene.plot._training import read_history as read_history
from eugene.plot._training import training_summary as training_summary
