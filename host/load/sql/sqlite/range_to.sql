t.:column >= rtrim(:'from', 'Z') AND t.:column < rtrim(:'until', 'Z')
