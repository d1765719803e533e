package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sandtable/sandtable/results"
)

// USD writes nano-dollars as dollars, exactly: at least two decimals, as many as there
// are, thousands apart.
func USD(nano int64) string {
	sign, n := "", uint64(nano)
	if nano < 0 {
		sign, n = "-", -uint64(nano)
	}
	fraction := strings.TrimRight(fmt.Sprintf("%09d", n%1e9), "0")
	for len(fraction) < 2 {
		fraction += "0"
	}
	return sign + "$" + thousands(strconv.FormatUint(n/1e9, 10)) + "." + fraction
}

// Count writes an integer with its thousands apart.
func Count(n int64) string {
	if n < 0 {
		return "-" + thousands(strconv.FormatUint(-uint64(n), 10))
	}
	return thousands(strconv.FormatInt(n, 10))
}

func thousands(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// seconds writes a duration so that it can be compared by eye.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case s < 10:
		return d.Round(10 * time.Millisecond).String()
	case s < 600:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// number writes an estimate with about four digits; "-" where it is undefined.
func number(n results.Number) string {
	f := float64(n)
	switch {
	case !n.Defined():
		return "-"
	case f == math.Trunc(f) && math.Abs(f) < 1e9:
		return Count(int64(f))
	case math.Abs(f) >= 1000 && math.Abs(f) < 1e9:
		return Count(int64(math.Round(f)))
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// percent writes a share; "-" where it is undefined.
func percent(n results.Number) string {
	if !n.Defined() {
		return "-"
	}
	return strconv.FormatFloat(float64(n)*100, 'f', 1, 64) + "%"
}

// interval writes low and high with write; an end that is not there is open.
func interval(low, high results.Number, write func(results.Number) string) string {
	if !low.Defined() && !high.Defined() {
		return "-"
	}
	return write(low) + " to " + write(high)
}
