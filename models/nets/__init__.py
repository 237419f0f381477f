"""Networks of the literature, one file a family; models/networks.py has them by name."""
