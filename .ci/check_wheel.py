"""Check that the built wheel holds its packages, their type markers and the shipped YAML."""

import sys
import zipfile

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
# the four packages, and two that hold EUGENe's names alone
packages = ("seqpro", "seqdata", "seqexplainer", "eugene", "seqdatasets", "motifdata")
wanted = [f"{p}/{f}" for p in packages for f in ("__init__.py", "py.typed")]
wanted += ["eugene/_configs/recipes/quickstart.yaml", "seqpro/family/names.tsv"]
missing = [w for w in wanted if w not in names]
if missing:
    sys.exit(f"the wheel lacks {', '.join(missing)}")
strangers = sorted({n.split("/")[0] for n in names} - set(packages))
if any(not s.endswith(".dist-info") for s in strangers):
    sys.exit(f"the wheel installs more than its packages: {strangers}")
print(f"wheel: {len(names)} files, all packages, configs and type markers present")
