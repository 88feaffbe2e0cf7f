"""The version of the one distribution that holds all four packages."""

__version__ = "0.1.0"
