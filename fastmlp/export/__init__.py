"""Models as files of other programs, one file here for each kind; `models` reads back what can be read back."""
