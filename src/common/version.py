"""The version of this project, read by the packaging and shown by `--version`."""

VERSION = "0.1.0"
