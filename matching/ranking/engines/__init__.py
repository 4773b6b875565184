"""Where blocks of demands are ranked: in this process, in others on this machine, or on a cluster."""
