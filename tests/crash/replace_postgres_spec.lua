require "tests.crash.replace" (require "tests.support.target".list[2], {
  "copy.middle:3", "commit.answered:4", "promote.rows",
}, { "promote.sifted:5", "promote.judged:2", "promote.done" }, describe, it, setup)
