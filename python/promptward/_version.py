"""The version of the package; the compiled engine must carry the same one."""

__version__ = "0.1.0"
