"""The library of the book, made from its pages: one module for each framework."""

__version__ = "0.1.0"
