// Where something is: what its labels say.

export const areaOf = ({labels}) => labels?.area ?? labels?.room ?? "";
