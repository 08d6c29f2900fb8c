-- etl.row: the methods of a row as functions, for rows with a column of the method's name.
local core = ...

return {
  copy = core.row_copy,     -- copy(row): all values as a plain table that may be kept
  number = core.row_number, -- number(row, name): the value as a number, nil for null
}
