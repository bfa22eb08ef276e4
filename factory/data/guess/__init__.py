"""`factory init`: what files most likely hold, each guess with its reason for a person to check.

`table` is the sequence: files and how to read them (`project`), a sample of rows (`sample`), what each column is
(`columns`, `sensors`), time, labels and people (`clock`, `labels`, `people`), the window (`proposal`), and the TOMLs
(`describe`). `path_guess` reads the names of files, `label_files` finds tables of labelled stretches.
"""
