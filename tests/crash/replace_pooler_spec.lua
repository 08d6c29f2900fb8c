require "tests.crash.replace" (require "tests.support.target".list[4], {
  "stage.make", "commit.sent:4", "promote.judged", "promote.done",
}, { "promote.sifted:5", "promote.judged:2", "promote.done" }, describe, it, setup)
