"""The one place that holds the version; free of imports, so that the build can read it."""

VERSION = "0.2.0"
