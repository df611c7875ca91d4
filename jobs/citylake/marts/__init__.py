"""What it tells: one module per table with a pure `build()`, built when an input changed."""
