"""The live preview: a book's website that follows what its author saves, in every browser that looks at it.

Three kinds of process share the work. ``session`` and ``server`` are in the first, which watches the book
(``watching``) and talks to browsers. It never builds: a second, the *original* of ``copies``, has everything imported
that a build needs, and copies itself for each job of ``jobs``, so that a job starts at once and leaves nothing behind.
"""
