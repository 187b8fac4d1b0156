"""The commands: a file each, with its options and its work; `fastmlp.cli` runs them."""
