-- tests/support/refused.lua: a replacement of `orders` whose rows the table refuses in part.
local assert = require "luassert"
local host = require "tests.support.host"

local refused = {}

local TABLE = "orders"
refused.table = TABLE

function refused.project_of(resource, exports)
  return host.project {
    pipeline = ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n')
      :format(resource),
    exports = exports,
  }
end

function refused.run(folder, to, code)
  local result = host.run(folder, to)
  assert.equal(code or 0, result.code, tostring(result))
  return result
end

function refused.rows(to, columns)
  return to:sql(("select %s from %s where _client_id = 'acme' order by 1")
    :format(columns or "id, v", to:name(TABLE)))
end

function refused.dead(to, columns, more)
  return to:sql(("select %s from %s where status = 'dead' %s order by file, row_number")
    :format(columns or "file, row_number, code", to:book "dead_rows", more or ""))
end

function refused.raw(to)
  return refused.dead(to,
    to.kind == "postgres" and "convert_from(raw, 'UTF8')" or "cast(raw as text)")
end

function refused.retry(folder, to)
  local where = to:arguments()
  local result = host.etlhost({ "dead", "retry", "--client", "acme", where[1], where[2] },
    { cwd = folder })
  assert.equal(0, result.code, tostring(result))
end

refused.REPLACE = '{ table = "orders", write = "replace", max_dead = 20 }'

-- A trigger of the table that raises where the condition holds.
function refused.refuse_where(to, condition, name, table)
  name, table = name or "picky", table or TABLE
  if to.kind == "postgres" then
    to:sql(([[create function %s() returns trigger language plpgsql as $$
      begin if %s then raise exception 'not this one'; end if; return new; end $$;
      create trigger %s before insert on %s for each row execute function %s()]])
      :format(name, condition, name, to:name(table), name))
  else
    to:sql(("create trigger %s before insert on %s when %s "
      .. "begin select raise(abort, 'not this one'); end"):format(name, to:name(table), condition))
  end
end
function refused.allow(to, name, table)
  to:sql("drop trigger " .. (name or "picky")
    .. (to.kind == "postgres" and " on " .. to:name(table or TABLE) or ""))
end

return refused
