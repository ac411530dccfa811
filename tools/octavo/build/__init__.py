"""The one package that knows every stage: what each command of the command line does, in terms of the pipeline.

source → select → harvest → execute → render, publish. A :class:`Workshop` holds one book while a command works on it.
Its parts stand in modules of their own, one concern each; a part is given those that it leans on, and none the whole:

==================================  ==================================================================================
``desk``                            the book's settings, pages, results and output folder, and what is wrong with them
``libraries``, ``definitions``      the modules harvested from the pages, and what results depend on of them
``outside``, ``locks``, ``modules`` what else results depend on: files and variables, packages, the book's own modules
``plan``                            what is meant to be executed, with the key of each result
``freshness``, ``watched``          which results are good; what the next command has to look at for that
``execution``, ``machines``         the plan is executed: here, in shares, on a cluster
``reports``                         what was executed, for other programs
``shown``, ``site``, ``notebooks``  the results that products show, and the products
``slides``                          decks of what is marked on pages
``preview``                         what somebody sees who writes
``environments``, ``upkeep``        what is made ahead, and removed again
==================================  ==================================================================================
"""

from octavo.build.machines import shard_of
from octavo.build.workshop import Workshop

__all__ = ["Workshop", "shard_of"]
