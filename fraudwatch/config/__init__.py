"""One typed YAML file (DESIGN D10): what can be set, how it is read, and what is said when it is wrong."""
