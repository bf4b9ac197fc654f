package app

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"greenapi_exporter/internal/config"
)

// safeFlagError matches errors that repeat nothing of the command line except names of flags. Any
// other part of it could be a misplaced token.
var safeFlagError = regexp.MustCompile(`^(--[a-z.-]+ (\([A-Z_]+\) )?must be ` +
	`|unknown long flag '--[a-z.-]{1,24}'$` +
	`|flag '[a-z.-]+' cannot be repeated$` +
	`|expected argument for flag '--[a-z.-]+'$)`)

var unknownFlag = regexp.MustCompile(`^unknown (long|short) flag '--?([^']*)'$`)

// tokenFlags are not flags. They are names of a flag for the token that users try.
var tokenFlags = []string{
	"greenapi.token", "greenapi.api-token", "greenapi.api-token-instance", "token", "api-token",
}

// explainFlagError returns an error about the command line that says what to do, and that does not
// repeat anything that could be a token.
func explainFlagError(err error, known []*kingpin.FlagModel) error {
	unknown := unknownFlag.FindStringSubmatch(err.Error())
	switch {
	case unknown != nil && unknown[1] == "short":
		err = errors.New("unknown short flag; flags begin with two dashes")
	case unknown != nil:
		switch nearest := nearestFlag(unknown[2], known); {
		case strings.Contains(nearest, "token") && nearest != "greenapi.token-file":
			err = errors.New("no flag sets the token, because command lines are public; " +
				"use the variable " + tokenVariable + " or --greenapi.token-file")
		case nearest != "":
			err = fmt.Errorf("unknown flag (did you mean --%s?)", nearest)
		case !safeFlagError.MatchString(err.Error()):
			err = errors.New("unknown flag")
		}
	case !safeFlagError.MatchString(err.Error()):
		err = errors.New("unexpected argument, or a value for a switch (use --NAME or --no-NAME)")
	}
	return fmt.Errorf("%w; see --help for the flags and environment variables", err)
}

// nearestFlag returns the flag, or one of tokenFlags, that is most similar to name. It returns ""
// if none is similar. What follows the dot must be similar, too, because many flags begin with the
// same word.
func nearestFlag(name string, known []*kingpin.FlagModel) string {
	names := tokenFlags
	for _, flag := range known {
		if flag.Hidden {
			continue
		}
		names = append(names, flag.Name)
		if flag.IsBoolFlag() {
			names = append(names, "no-"+flag.Name)
		}
		if strings.HasSuffix(flag.Name, "."+name) {
			return flag.Name
		}
	}
	nearest := config.Nearest(name, names)
	if _, word, ok := strings.Cut(name, "."); ok {
		_, nearestWord, _ := strings.Cut(nearest, ".")
		if config.Nearest(word, []string{nearestWord}) == "" {
			return ""
		}
	}
	return nearest
}
