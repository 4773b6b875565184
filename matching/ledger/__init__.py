"""The ledger: what was uploaded, ranked, decided and dealt. Nothing in it is ever overwritten."""
