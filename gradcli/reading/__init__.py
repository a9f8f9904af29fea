"""What stands in files, read strictly: values, JSON and TOML documents, NumPy's arrays. No command line is needed."""
