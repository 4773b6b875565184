"""Reads one uploaded file in a process of its own: `python -I -m matching.intake.reader LIMITS`.

A file from somebody else can declare a sheet of billions of cells, unpack to gigabytes or break its parser, and take
the process down that reads it. So nothing is parsed in the server: this process limits its own memory and CPU time,
takes the bytes on standard input and answers on standard output (see `answer`).
"""
