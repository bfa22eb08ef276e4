"""Files as people have them, made into tables of named columns.

`patterns` names the parts of a path, `members` finds files and looks into archives, `dialect` tells how a text is to
be read, `sheet` is one table; named formats stand in `factory.data.formats`.
"""
