t.:column >= :'from' AND t.:column < :'until'
