"""Names in the folder of a selection."""

FILE = "selection.yaml"
RUNS = "runs.json"
FAILED = "failed.json"
DEFINITIONS = "definitions"
OUT = "comparison"
PAGE = "comparison.html"
