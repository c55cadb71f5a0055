"""pooch, imported without the warning that its progress bars give in a notebook that has no widgets."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "IProgress not found")  # bars are then drawn as text
    import pooch as pooch
