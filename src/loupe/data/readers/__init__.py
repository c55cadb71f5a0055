"""Files as arrays: one reader a file form, shared by the sources. Nothing is ever unpickled.

A reader takes a place and returns arrays; what the numbers mean (which class, which way up) is for the
source to say. A file that is not of its form is a `DataFileError`.
"""
