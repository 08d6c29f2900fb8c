t.:column = :'from'
