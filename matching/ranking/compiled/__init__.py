"""Inner loops of the ranking, compiled by Numba: arrays in, arrays out."""
