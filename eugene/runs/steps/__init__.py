"""The steps of a run, one file each: its settings, needs, files, part of the report, verb."""
