"""Ways to part a dataset into train, validation and test rows, and a check for leaks.

Every function returns one code a row: 0 train, 1 validation, 2 test, -1 in none of them.
"""

from seqdata.splits._by_column import chromosome as chromosome
from seqdata.splits._by_column import column as column
from seqdata.splits._codes import as_codes as as_codes
from seqdata.splits._codes import assign as assign
from seqdata.splits._codes import codes_of as codes_of
from seqdata.splits._codes import mask as mask
from seqdata.splits._fewer import fewer as fewer
from seqdata.splits._folds import folds as folds
from seqdata.splits._folds import group_folds as group_folds
from seqdata.splits._folds import kfold as kfold
from seqdata.splits._leakage import describe_leakage as describe_leakage
from seqdata.splits._leakage import leakage as leakage
from seqdata.splits._own import TEST_FILE as TEST_FILE
from seqdata.splits._own import deal as deal
from seqdata.splits._own import own_rows as own_rows
from seqdata.splits._random import group as group
from seqdata.splits._random import homology as homology
from seqdata.splits._random import random as random
from seqdata.splits._random import stratified as stratified
