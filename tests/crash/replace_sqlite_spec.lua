require "tests.crash.replace" (require "tests.support.target".list[1], {
  "stage.make", "copy.middle:3", "schema.type", "commit.sent:4", "promote.start", "promote.judged",
  "promote.rows", "promote.done",
}, { "promote.sifted:5", "promote.judged:2", "promote.done" }, describe, it, setup)
