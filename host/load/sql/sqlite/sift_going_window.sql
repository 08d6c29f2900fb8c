-- The same for a window: those of its period, or at its lower bound.
((:scope) AND (:range))
