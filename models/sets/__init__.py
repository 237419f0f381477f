"""Data sets of the literature, read and made into the one file that training and evaluation take.

make.py is the table of contents; docs/datasets.md has the commands.
"""
