"""The benchmark suite: made records in any number, this project's top-k beside others', stages and whole jobs.

`make bench` runs all of it and writes docs/performance.md; `make bench-short` is the part that CI runs.
"""
