"""`python -m citylake.cli`."""

from citylake.cli.app import main

main()
