"""The dated rules of policy, and what they say of deals, institutions, results and the plan."""
