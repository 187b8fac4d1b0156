"""Libraries that do the same job: one module each; `__main__` runs one by name.

A module has `version`, that of the library, and one or both of the classes

    Trainer(job)            for a job of kind "train"
        reset()             go back to the initial weights
        train()             visit the job's rows in its order, at its rates; this is what is timed
        predict(x)          scores, float32 [rows, classes], of which the greatest counts, or a regression's outputs
    Predictor(job)          for the others, with the initial weights
        predict(x)          probabilities, float32 [rows, classes]; this is what is timed

It needs nothing but its own library, NumPy and `bench.job`.
"""
