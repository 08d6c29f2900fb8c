-- The shape of config/projects.yaml; a part of host.settings.

local text = { type = "text" }

local lookup_file = {
  type = "map",
  fields = {
    file = { type = "text", required = true },
    key = { type = "text", required = true, help = "the column with the field's values" },
    project = { type = "text", required = true, help = "the column with the projects" },
  },
}

local rule = {
  type = "map",
  fields = {
    client = text, source = text, resource = text,
    field = text, pattern = text,
    project = text, lookup = { type = "map", each = text }, lookup_file = lookup_file,
  },
}

return function(version)
  return {
    type = "map",
    fields = {
      version = version,
      rules = {
        type = "list", required = true, each = rule,
        help = "a list of rules; the first that is for a row gives its _project",
      },
    },
  }
end
