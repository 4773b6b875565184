"""Candidate pairs: text analysis, TF-IDF, exact top-k, explanation, evaluation."""
