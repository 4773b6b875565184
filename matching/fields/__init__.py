"""Field taxonomies and the assignment of their codes to records."""
