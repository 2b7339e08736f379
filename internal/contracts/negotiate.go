package contracts

import (
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"
)

// Negotiate chooses one of the formats: by name if there is one, else by an Accept
// header (RFC 9110, section 12.5.1), else the first. What is not offered is refused,
// never replaced by something that the client can't read.
func Negotiate(formats []Format, name, accept string) (Format, error) {
	if name != "" {
		i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
		if i < 0 {
			return Format{}, notOffered("query.format", name, formats)
		}
		return formats[i], nil
	}
	if strings.TrimSpace(accept) == "" {
		return formats[0], nil
	}
	best, bestQuality := -1, 0.0
	for i, f := range formats {
		// The first of equals wins, so the order of formats is the server's preference.
		if q := quality(accept, f.MediaType); q > bestQuality {
			best, bestQuality = i, q
		}
	}
	if best < 0 {
		return Format{}, notOffered("header.Accept", accept, formats)
	}
	return formats[best], nil
}

// quality is how much an Accept header likes a media type, from 0 to 1. The most
// specific range that matches decides.
func quality(accept, mediaType string) float64 {
	mediaType, _, _ = mime.ParseMediaType(mediaType)
	main, _, _ := strings.Cut(mediaType, "/")
	result, specificity := 0.0, 0
	for part := range strings.SplitSeq(accept, ",") {
		text, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		s := map[string]int{"*/*": 1, main + "/*": 2, mediaType: 3}[text]
		if s <= specificity {
			continue
		}
		q := 1.0
		if value, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(value, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		result, specificity = q, s
	}
	return result
}

func notOffered(location, value string, formats []Format) error {
	var offers []string
	for _, f := range formats {
		offer := f.MediaType // of one that Accept alone asks for
		if f.Name != "" {
			offer = fmt.Sprintf("format=%s (%s)", f.Name, f.MediaType)
		}
		offers = append(offers, offer)
	}
	message := fmt.Sprintf("%q is not among the formats that this route offers.", value)
	return &Error{
		Code:   CodeNotAcceptable,
		Detail: message,
		Issues: []Issue{{Location: location, Message: message, Value: value, Hint: "Offered: " + strings.Join(offers, ", ") + "."}},
	}
}
