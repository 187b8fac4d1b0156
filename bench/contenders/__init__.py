"""Libraries that train the same network: one module each, with a class Contender; `__main__` runs one by name.

A Contender takes a `bench.job.Job` and has

    version          of the library
    reset()          go back to the initial weights
    train_epoch()    visit all rows once, in the job's order; this is what is timed
    predict(x)       scores, [rows, classes]

and needs nothing but its own library and NumPy.
"""
