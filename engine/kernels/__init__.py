"""Kernels: module-level functions over plain arrays, all state in the arguments."""
