"""Statistics of the ledger and the files handed out."""
