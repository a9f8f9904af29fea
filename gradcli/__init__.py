"""gradcli: forward values, local and global gradients of any formula, proved."""
