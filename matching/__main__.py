"""`python -m matching` is the command `duijie`."""

from matching.cli import main

main()
