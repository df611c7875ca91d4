"""The `citylake` command: a module per topic, one place that prints."""
