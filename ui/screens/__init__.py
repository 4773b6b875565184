"""One module per screen; each has a `show` function."""
